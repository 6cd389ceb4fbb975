// The list of subjects: every plugin whose directives and evals the .cf rules may use. One line each.
import type { Directive, Plugin } from '../../rules/engine/types.js'
import { acceptedPlugins } from './accepted.js'
import { accessDb } from './accessdb.js'
import { addressListDirective } from './addresslists.js'
import { antiVirus } from './antivirus.js'
import { askDns } from './askdns.js'
import { asn } from './asn.js'
import { authRes } from './authres.js'
import { bayes } from './bayes.js'
import { bodyEval } from './bodyeval.js'
import { decodeShortUrls } from './decodeshorturls.js'
import { dkim } from './dkim.js'
import { dmarc } from './dmarc.js'
import { dnsEval } from './dnseval.js'
import { enginePlugins } from './engineplugins.js'
import { freeMail } from './freemail.js'
import { fromNameSpoof } from './fromnamespoof.js'
import { geoDirectives } from './geodb.js'
import { hamd } from './hamd.js'
import { hashBl } from './hashbl.js'
import { headerEval } from './headereval.js'
import { htmlEval } from './htmleval.js'
import { httpsMismatch } from './httpsmismatch.js'
import { imageInfo } from './imageinfo.js'
import { mimeEval } from './mimeeval.js'
import { oleVbMacro } from './olevbmacro.js'
import { pdfInfo } from './pdfinfo.js'
import { phishing } from './phishing.js'
import { relayCountry } from './relaycountry.js'
import { relayEval } from './relayeval.js'
import { awl, txRep } from './reputationplugins.js'
import { spf } from './spf.js'
import { textCat } from './textcat.js'
import { uriDnsbl } from './uridnsbl.js'
import { uriEval } from './urieval.js'
import { uriHostDirective } from './urihostlists.js'
import { uriLocalBl } from './urilocalbl.js'
import { vBounce } from './vbounce.js'
import { virus } from './virus.js'
import { welcomeListSubject } from './welcomelistsubject.js'
import { wlblEval } from './wlbleval.js'

export const plugins: readonly Plugin[] = [
  ...enginePlugins,
  ...acceptedPlugins,
  accessDb,
  antiVirus,
  askDns,
  asn,
  authRes,
  bayes,
  bodyEval,
  decodeShortUrls,
  dkim,
  dmarc,
  dnsEval,
  freeMail,
  fromNameSpoof,
  hamd,
  hashBl,
  headerEval,
  htmlEval,
  httpsMismatch,
  imageInfo,
  mimeEval,
  oleVbMacro,
  pdfInfo,
  phishing,
  relayCountry,
  relayEval,
  awl,
  txRep,
  spf,
  textCat,
  uriDnsbl,
  uriEval,
  uriLocalBl,
  vBounce,
  virus,
  welcomeListSubject,
  wlblEval,
]

/** Words that are known whatever plugin is loaded: lists of addresses and of URI hosts, databases of places. */
export const listDirectives: readonly Directive[] = [addressListDirective, uriHostDirective, ...geoDirectives]
