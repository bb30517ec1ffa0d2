import type { StoredObject } from './change-log.ts'

export type ObjectIndex = ReturnType<typeof createObjectIndex>

/** The objects of one bucket by name. The sorted names are cached until a name is added or removed. */
export function createObjectIndex() {
  const objects = new Map<string, StoredObject>()
  let sorted: readonly string[] | undefined

  return {
    get size() {
      return objects.size
    },
    get: (name: string) => objects.get(name),
    values: () => objects.values(),
    /** Names in byte order, as in PostgreSQL's "C" collation, since keys are ASCII. */
    names(): readonly string[] {
      sorted ??= [...objects.keys()].sort()
      return sorted
    },
    set(object: StoredObject) {
      if (!objects.has(object.name)) sorted = undefined
      objects.set(object.name, object)
    },
    delete(name: string) {
      if (objects.delete(name)) sorted = undefined
    },
    clear() {
      objects.clear()
      sorted = undefined
    }
  }
}
