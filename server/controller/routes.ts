// The table of the controller: path -> what it needs and what it answers. Paths are lower case; there is no trailing slash (rspamd-protocol.md 3.1).
import { errorReply, jsonReply, textReply } from '../http-reply.js'
import { answerScan, openMetricsType } from '../rspamd/http-scan.js'
import type { Route } from './context.js'
import { learnRoutes } from './learn.js'
import { ledgerRoutes } from './ledger.js'
import { metricsText } from './metrics.js'
import { pastRoutes } from './past.js'
import { statRoutes } from './stat.js'

const scanRoute = (shape: 'v2' | 'legacy'): Route => ({
  needs: 'read',
  run: (call, { core, options }) =>
    answerScan(call, shape, core, { ...options.scan, errorDomain: false }, 'controller'),
})

/** Fuzzy storage is not part of hamd: answered as a rspamd without the module. */
const fuzzyRoute: Route = {
  needs: 'full',
  run: ({ body, path }) =>
    body.length === 0 && path !== '/fuzzydelhash'
      ? errorReply(400, 'Empty body is not permitted')
      : errorReply(500, 'Module disabled'),
}

/** Thresholds, scores and maps have one place, the configuration; a controller that wrote them too would make two. */
const readOnlyRoute: Route = {
  needs: 'full',
  run: () => errorReply(501, 'not changeable here: edit the configuration and reload'),
}

export const routes: ReadonlyMap<string, Route> = new Map(
  Object.entries({
    '/ping': { needs: 'open', run: () => textReply('pong\r\n') },
    '/': {
      needs: 'open',
      run: (_, { options }) => textReply(`hamd ${options.version}: the controller is running\n`),
    },
    ...statRoutes,
    ...learnRoutes,
    ...ledgerRoutes,
    ...pastRoutes,
    '/checkv2': scanRoute('v2'),
    '/check': scanRoute('legacy'),
    '/scan': scanRoute('legacy'),
    '/maps': { needs: 'read', run: () => jsonReply([]) },
    '/getmap': {
      needs: 'read',
      run({ headers }) {
        const id = headers.get('map')
        if (id === undefined) return errorReply(400, 'Id header missing')
        return /^\d+$/.test(id) ? errorReply(404, 'Map not found') : errorReply(400, 'Invalid map id')
      },
    },
    '/savemap': {
      needs: 'full',
      run({ headers, body }) {
        if (body.length === 0) return errorReply(400, 'Empty body is not permitted')
        const id = headers.get('map')
        if (id === undefined) return errorReply(400, 'Map id not specified')
        return /^\d+$/.test(id) ? errorReply(404, 'Map id not found') : errorReply(400, 'Map id is invalid')
      },
    },
    '/saveactions': readOnlyRoute,
    '/savesymbols': readOnlyRoute,
    '/neighbours': { needs: 'read', run: () => jsonReply({}) },
    '/plugins': { needs: 'read', run: () => jsonReply({}) },
    '/fuzzyadd': fuzzyRoute,
    '/fuzzydel': fuzzyRoute,
    '/fuzzydelhash': fuzzyRoute,
    '/healthy': healthRoute(),
    '/ready': healthRoute(),
    '/metrics': {
      needs: 'read',
      async run(_, { core, options }) {
        return { ...textReply(await metricsText(core, options)), type: openMetricsType }
      },
    },
  } satisfies Record<string, Route>),
)

function healthRoute(): Route {
  return {
    needs: 'read',
    run(_, { options }) {
      const problem = options.notReady?.()
      return problem === undefined ? jsonReply({ success: true }) : errorReply(500, problem)
    },
  }
}
