import { createSortedNames, type SortedNames } from './sorted-names.ts'
import { walk } from './walk.ts'

/** What one level of the keys shows, read as paths: whole keys, and those of folders up to before their slash. */
export interface Level {
  folders: SortedNames
  files: SortedNames
}

/** From so many entries on it is cheaper to keep a level up to date than to walk it for every page. */
const LARGE = 1000

/** The levels of `names()`. Large ones are kept once asked for, so that any page of them costs the same. */
export function createLevels(names: () => SortedNames) {
  const kept = new Map<string, Level>()

  function walkLevel(path: string): Level {
    const folders: string[] = []
    const files: string[] = []
    for (const { name, isFolder } of walk(names(), path, true)) {
      if (isFolder) folders.push(name.slice(0, -1))
      else files.push(name)
    }
    // With its slash `a.b` stood before `a`.
    const level = { folders: createSortedNames(folders.sort()), files: createSortedNames(files) }
    if (folders.length + files.length >= LARGE) kept.set(path, level)
    return level
  }

  /** The kept levels that show `name`, and the folder in which they do. */
  function* showing(name: string) {
    for (const [path, level] of kept) {
      if (!name.startsWith(path)) continue
      const slash = name.indexOf('/', path.length)
      yield { ...level, folder: slash === -1 ? undefined : name.slice(0, slash) }
    }
  }

  return {
    /** The level at `path`, which is empty or ends with a slash. */
    at: (path: string): Level => kept.get(path) ?? walkLevel(path),
    added(name: string) {
      for (const { folders, files, folder } of showing(name)) {
        if (folder === undefined) files.insert(name)
        else folders.insert(folder)
      }
    },
    removed(name: string) {
      for (const { folders, files, folder } of showing(name)) {
        if (folder === undefined) files.remove(name)
        else if (!names().someStartWith(`${folder}/`)) folders.remove(folder)
      }
    },
    clear: () => kept.clear()
  }
}
