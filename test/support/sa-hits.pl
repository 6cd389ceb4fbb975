#!/usr/bin/perl
# Scans mails with the installed SpamAssassin, network tests on, all questions to one resolver.
# Arguments: port of the resolver, a file with further configuration lines, then the mails. One line a mail: file TAB hits and
# subtests, joined by blanks.
use strict;
use warnings;
use Mail::SpamAssassin;

my ($port, $config, @files) = @ARGV;
open(my $in, '<', $config) or die "$config: $!";
my $lines = do { local $/; <$in> };
my $sa = Mail::SpamAssassin->new({
  rules_filename      => '/usr/share/spamassassin',
  site_rules_filename => '/etc/spamassassin',
  userprefs_filename  => '/dev/null',
  home_dir_for_helpers => $ENV{HOME},
  dont_copy_prefs     => 1,
  local_tests_only    => 0,
  debug               => $ENV{SA_DEBUG},
  post_config_text    => "dns_available yes\ndns_server [127.0.0.1]:$port\nuse_bayes 0\nuse_pyzor 0\nuse_razor2 0\n$lines\n",
});
$sa->compile_now(0, 0);
for my $file (@files) {
  open(my $mail, '<', $file) or die "$file: $!";
  my $parsed = $sa->parse([<$mail>]);
  my $status = $sa->check($parsed);
  print join("\t", $file, join(' ', grep { length } split(/,/, $status->get_names_of_tests_hit),
    split(/,/, $status->get_names_of_subtests_hit))), "\n";
  $status->finish;
  $parsed->finish;
}
