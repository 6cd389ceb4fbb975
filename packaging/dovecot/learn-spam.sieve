# A mail was moved into Junk: it is spam.
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "variables"];

if environment :matches "imap.user" "*" { set "user" "${1}"; }
pipe :copy "hamd-learn" ["spam", "${user}"];
