// The program as users run it (bin/hamd): the bundle, or where only tsc has built, what that made.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { builtFolder } from '../../src/root.js'

const bundle = join(builtFolder, 'run', 'index.js')

export const entry = existsSync(bundle) ? bundle : join(builtFolder, 'src', 'cli', 'index.js')
