// Leaves the automata of the built-in rules beside the compiled program, as far as they are not there yet.
import { shipAutomata } from '../dist/src/pool/automata-shipped.js'

await shipAutomata()
