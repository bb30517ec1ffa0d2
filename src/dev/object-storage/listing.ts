import type { StoredObject } from './journal.ts'
import type { ObjectIndex } from './object-index.ts'
import { toFileRow, toFolderRow } from './rows.ts'
import { pastEntry, walk, type Entry } from './walk.ts'

export interface LevelQuery {
  prefix: string
  search?: string
  limit: number
  offset: number
  sortBy?: { column?: string; order?: string }
}

export interface PageQuery {
  prefix: string
  limit: number
  cursor?: string
  delimited: boolean
}

const DATES: Record<string, (object: StoredObject) => string> = {
  created_at: (object) => object.createdAt,
  updated_at: (object) => object.updatedAt,
  last_accessed_at: (object) => object.updatedAt
}

function sortByDate(index: ObjectIndex, files: string[], dateOf: (object: StoredObject) => string) {
  const dated = files.map((name) => ({ name, date: dateOf(index.get(name)!) }))
  return dated.sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0)).map(({ name }) => name)
}

/**
 * The folders and files of the level at `path` whose names start with `search`. Ignores upper and lower case.
 */
function searchLevel(index: ObjectIndex, path: string, search: string) {
  const wanted = search.toLowerCase()
  const folders: string[] = []
  const files: string[] = []
  for (const entry of walk(index.names(), { prefix: path, delimited: true })) {
    const name = entry.isFolder ? entry.name.slice(0, -1) : entry.name
    if (!name.slice(path.length).toLowerCase().startsWith(wanted)) continue
    if (entry.isFolder) folders.push(name)
    else files.push(name)
  }
  // `walk` yields folders in the order of their names with slashes: `a.b/` before `a/`.
  return { folders: folders.sort(), files }
}

/** One level as `list()` returns it: folders before files, with names relative to the level. */
export function listLevel(
  index: ObjectIndex,
  { prefix, search = '', limit, offset, sortBy = {} }: LevelQuery
) {
  const path = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
  const { folders, files: found } = searchLevel(index, path, search)
  const dateOf = DATES[sortBy.column ?? 'name']
  const files = dateOf ? sortByDate(index, found, dateOf) : found
  if (sortBy.order?.toLowerCase() === 'desc') {
    files.reverse()
    if (!dateOf) folders.reverse() // folders have no dates
  }
  return folders
    .concat(files)
    .slice(offset, offset + limit)
    .map((name, i) =>
      offset + i < folders.length
        ? toFolderRow(name.slice(path.length))
        : toFileRow(index.get(name)!, name.slice(path.length))
    )
}

/** One page of `listV2()`: whole keys in order, after the cursor. */
export function listPage(index: ObjectIndex, { prefix, limit, cursor, delimited }: PageQuery) {
  const last: Entry | undefined = cursor === undefined ? undefined : decodeCursor(cursor, delimited)
  const walker = walk(index.names(), { prefix, delimited, from: last && pastEntry(last) })
  const entries: Entry[] = []
  for (const entry of walker) if (entries.push(entry) > limit) break
  const page = entries.slice(0, limit)
  const hasNext = entries.length > limit
  return {
    hasNext,
    ...(hasNext && { nextCursor: encodeCursor(page.at(-1)!) }),
    folders: page.filter((entry) => entry.isFolder).map(({ name }) => ({ name, key: name })),
    objects: page
      .filter((entry) => !entry.isFolder)
      .map(({ name }) => ({ ...toFileRow(index.get(name)!, name), key: name }))
  }
}

const encodeCursor = ({ name }: Entry) => Buffer.from(`l:${name}`).toString('base64')

function decodeCursor(cursor: string, delimited: boolean): Entry {
  const name = Buffer.from(cursor, 'base64').toString().slice(2)
  return { name, isFolder: delimited && name.endsWith('/') }
}
