// Leaves the automata of the built-in rules beside the compiled program, as far as they are not there yet. For another folder that tsc has
// filled: node scripts/automata.mjs FOLDER.
const { shipAutomata } = await import(`../${process.argv[2] ?? 'dist'}/src/pool/automata-shipped.js`)

await shipAutomata()
