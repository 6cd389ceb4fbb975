// Reading the values of directives. A Plan keeps them folded in one map; a user's preferences lay a second map over it.
import type { Settings } from './types.js'

/** Value of a directive as its `read` left it, or its initial one. */
export function setting<T>(settings: Settings, name: string): T {
  return settings.values.get(name) as T
}

/** Settings in which `over` wins; nothing is copied. */
export function layerSettings(base: Settings, over: ReadonlyMap<string, unknown>): Settings {
  return over.size === 0 ? base : { values: new LayeredMap(base.values, over) }
}

/** A read-only view of two maps. Only what readers of settings use answers from both. */
class LayeredMap extends Map<string, unknown> {
  private readonly base: ReadonlyMap<string, unknown>

  constructor(base: ReadonlyMap<string, unknown>, over: ReadonlyMap<string, unknown>) {
    super(over)
    this.base = base
  }

  override get(key: string): unknown {
    return super.has(key) ? super.get(key) : this.base.get(key)
  }

  override has(key: string): boolean {
    return super.has(key) || this.base.has(key)
  }
}
