// Finds hamd's own files (rules, web pages, package.json) from wherever the compiled code lies; never from the working directory.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

function findRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url))
  let folder = start
  while (!existsSync(join(folder, 'package.json'))) {
    if (dirname(folder) === folder)
      throw new Error(`no package.json above ${start}: hamd's files were torn apart`)
    folder = dirname(folder)
  }
  return folder
}

/** Absolute path of the folder that a build fills: this file is compiled into a folder of it. */
export const builtFolder = dirname(dirname(fileURLToPath(import.meta.url)))

/** Absolute path of the package folder. */
export const packageRoot = findRoot()

/** Version of hamd, from package.json. */
export const version: string = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')).version
