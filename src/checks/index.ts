// The list of subjects: every plugin whose directives and evals the .cf rules may use. One line each.
import type { Directive, Plugin } from '../../rules/engine/types.js'
import { acceptedPlugins } from './accepted.js'
import { addressListDirective } from './addresslists.js'
import { bayes } from './bayes.js'
import { bodyEval } from './bodyeval.js'
import { enginePlugins } from './engineplugins.js'
import { freeMail } from './freemail.js'
import { hamd } from './hamd.js'
import { headerEval } from './headereval.js'
import { htmlEval } from './htmleval.js'
import { httpsMismatch } from './httpsmismatch.js'
import { imageInfo } from './imageinfo.js'
import { mimeEval } from './mimeeval.js'
import { relayEval } from './relayeval.js'
import { uriEval } from './urieval.js'
import { uriHostDirective } from './urihostlists.js'
import { vBounce } from './vbounce.js'
import { welcomeListSubject } from './welcomelistsubject.js'
import { wlblEval } from './wlbleval.js'

export const plugins: readonly Plugin[] = [
  ...enginePlugins,
  ...acceptedPlugins,
  bayes,
  bodyEval,
  freeMail,
  hamd,
  headerEval,
  htmlEval,
  httpsMismatch,
  imageInfo,
  mimeEval,
  relayEval,
  uriEval,
  vBounce,
  welcomeListSubject,
  wlblEval,
]

/** Words that are known whatever plugin is loaded: lists of addresses and of URI hosts. */
export const listDirectives: readonly Directive[] = [addressListDirective, uriHostDirective]
