// A value while it is being made: written member by member by whoever makes it, read-only for everybody else. V8 knows the shape of an object
// that is filled so, and not of one that is spread together.
export type Mutable<T> = { -readonly [K in keyof T]: T[K] }
