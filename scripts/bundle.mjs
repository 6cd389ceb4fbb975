// Bundles the compiled program with the packages it loads into dist/run, which bin/hamd starts: every thread of a start then reads a few
// files instead of some hundred. Of another folder that tsc has filled: node scripts/bundle.mjs FOLDER.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const dist = join(root, process.argv[2] ?? 'dist')
const run = join(dist, 'run')

/** Compiled files with which the program, its threads and its processes begin. All lie in one folder of the bundle, by their last name. */
const entries = [
  'src/cli/index',
  'src/stores-thread',
  'src/ruling-thread',
  'src/pool/worker',
  'src/pool/automata-thread',
  'src/pool/automata-build',
  'src/pool/automata-saver',
  'bayes/thread',
]

/**
 * Our own files as the bundle needs them. Packages that src/commonjs.ts requires are required in sight of esbuild. A thread is named
 * relative to who starts it, which holds in the bundle, too, if it is an entry: one that was forgotten ends the build. So does a package
 * that is imported when it is needed: of one in CommonJS esbuild would leave no more than its default.
 */
const ownFiles = {
  name: 'own files',
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      if (path.includes('node_modules')) return undefined
      const text = readFileSync(path, 'utf8')
      const errors = []
      for (const [, target] of text.matchAll(/new URL\('([^']+)\.js', import\.meta\.url\)/g))
        if (!entries.includes(relative(dist, join(dirname(path), target))))
          errors.push({ text: `${target} is none of the entries`, location: { file: path } })
      for (const [, target] of text.matchAll(/\bimport\('([^.'][^']*)'\)/g))
        if (!target.startsWith('node:'))
          errors.push({
            text: `import('${target}') would lose its names: requirePackage`,
            location: { file: path },
          })
      return { contents: text.replaceAll(/\brequirePackage\('/g, "require('"), errors }
    })
  },
}

/** Packages of which something is in the bundle, by their folders. */
function bundledPackages({ inputs }) {
  const folders = Object.keys(inputs).map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0])
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort()
}

/** The bundle is published: it goes with the licences of what is in it. */
function licencesOf(folders) {
  const texts = folders.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
    const files = readdirSync(join(root, folder)).filter((file) => /^(?:licen[cs]e|notice)/i.test(file))
    const text = files.map((file) => readFileSync(join(root, folder, file), 'utf8').trim())
    return [`${name} ${version} (${license})`, ...text].join('\n\n')
  })
  return `${texts.join(`\n\n${'='.repeat(80)}\n\n`)}\n`
}

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: entries.map((name) => ({ in: join(dist, `${name}.js`), out: basename(name) })),
  outdir: run,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Native: it looks for its library beside itself.
  external: ['better-sqlite3'],
  // Of the packages that mailauth's SPF loads, only what it uses; one list of public suffixes is enough.
  alias: {
    joi: join(root, 'scripts', 'stand-ins', 'joi.cjs'),
    libmime: join(root, 'scripts', 'stand-ins', 'libmime.cjs'),
    tldts: join(root, 'node_modules', 'tldts'),
  },
  plugins: [ownFiles],
  // Packages in CommonJS ask for Node's own modules by require.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'\nconst require = requireFrom(import.meta.url)",
  },
  // All but the names, which are what a stack trace tells. With comments and spaces a start took 100 ms more of CPU time and 5 MB.
  minifySyntax: true,
  minifyWhitespace: true,
  metafile: true,
  logLevel: 'warning',
})
// What is left of an earlier bundle goes last: a program that runs finds its threads at any time.
const made = Object.keys(metafile.outputs).map((file) => basename(file))
for (const name of readdirSync(run)) if (!made.includes(name)) rmSync(join(run, name))
writeFileSync(join(run, 'LICENSES.txt'), licencesOf(bundledPackages(metafile)))
