// Packages in CommonJS, by require: an import statement has Node search all of their text for names first, which for tldts takes longer
// than to run it. And only when they are needed, where that is seldom. The bundle has them in it: scripts/bundle.mjs knows this function
// by its name.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

export function requirePackage<T>(name: string): T {
  return require(name) as T
}
