import type { StoredObject } from './journal.ts'

/** Where `name` stands, or would stand, among sorted names. */
export function lowerBound (names: readonly string[], name: string): number {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (names[middle]! < name) low = middle + 1
    else high = middle
  }
  return low
}

export type ObjectIndex = ReturnType<typeof createObjectIndex>

/**
 * The objects of one bucket by name, and their names in order. The order is made when first asked for and kept
 * from then on, so that uploads cost nothing until somebody lists, and paging through 200,000 sorts them once.
 */
export function createObjectIndex () {
  const objects = new Map<string, StoredObject>()
  let sorted: string[] | undefined

  return {
    get size () { return objects.size },
    get: (name: string) => objects.get(name),
    values: () => objects.values(),
    /** Keys are ASCII, so this is the byte order in which PostgreSQL's "C" collation puts them. */
    names (): readonly string[] {
      sorted ??= [...objects.keys()].sort()
      return sorted
    },
    set (object: StoredObject) {
      if (sorted && !objects.has(object.name)) sorted.splice(lowerBound(sorted, object.name), 0, object.name)
      objects.set(object.name, object)
    },
    delete (name: string) {
      if (objects.delete(name)) sorted?.splice(lowerBound(sorted, name), 1)
    },
    clear () {
      objects.clear()
      sorted = undefined
    }
  }
}
