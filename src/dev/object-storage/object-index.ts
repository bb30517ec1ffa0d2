import type { StoredObject } from './journal.ts'
import { createLevels } from './levels.ts'
import { createSortedNames, type SortedNames } from './sorted-names.ts'

export type ObjectIndex = ReturnType<typeof createObjectIndex>

/**
 * The objects of one bucket by name, and their names in order. The order is made when first asked for and kept
 * from then on, so that uploads cost nothing until somebody lists, and paging through 200,000 sorts them once.
 */
export function createObjectIndex() {
  const objects = new Map<string, StoredObject>()
  let sorted: SortedNames | undefined
  const levels = createLevels(names)

  /** Keys are ASCII, so this is the byte order in which PostgreSQL's "C" collation puts them. */
  function names(): SortedNames {
    sorted ??= createSortedNames([...objects.keys()].sort())
    return sorted
  }

  return {
    get size() {
      return objects.size
    },
    get: (name: string) => objects.get(name),
    values: () => objects.values(),
    names,
    level: levels.at,
    set(object: StoredObject) {
      const isNew = !objects.has(object.name)
      objects.set(object.name, object)
      if (!sorted || !isNew) return
      sorted.insert(object.name)
      levels.added(object.name)
    },
    delete(name: string) {
      if (!objects.delete(name) || !sorted) return
      sorted.remove(name)
      levels.removed(name)
    },
    clear() {
      objects.clear()
      levels.clear()
      sorted = undefined
    }
  }
}
