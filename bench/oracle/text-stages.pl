# Records the texts of messages as Mail::SpamAssassin::Message makes them (fixtures/oracle/sa-text-stages.tsv.gz): paths on stdin, their folder as the
# argument; out come path and SHA-1 (16 digits) of body, visible, invisible, rawbody. The line separator must stay a line feed while parsing: with it
# undefined SpamAssassin keeps a line feed too many at the end of every MIME part.
use strict; use warnings; use Digest::SHA qw(sha1_hex); use Mail::SpamAssassin; use Mail::SpamAssassin::Message;
my ($root)=@ARGV;
while(my $path=<STDIN>){ chomp $path; my $d; { local $/; open my $f,"<:raw","$root/$path" or die; $d=<$f>; }
 my $m=Mail::SpamAssassin::Message->new({message=>$d,parsenow=>1,normalize=>1,body_part_scan_size=>50000,rawbody_part_scan_size=>500000});
 my @t=map{join"\0",@$_}($m->get_rendered_body_text_array,$m->get_visible_rendered_body_text_array,$m->get_invisible_rendered_body_text_array,$m->get_decoded_body_text_array);
 { local $\; print join("\t",$path,map{substr sha1_hex($_),0,16}@t),"\n"; } $m->finish; }
