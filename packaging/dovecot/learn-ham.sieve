# A mail was moved out of Junk: it is ham, unless it went to the Trash.
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "variables"];

if environment :matches "imap.mailbox" "*" { set "mailbox" "${1}"; }
if string :is "${mailbox}" ["Trash", "Deleted Items"] { stop; }
if environment :matches "imap.user" "*" { set "user" "${1}"; }
pipe :copy "hamd-learn" ["ham", "${user}"];
