/** Routes of the storage's API under `/object`, in the order in which they are tried. */
const ROUTES = {
  '/object/upload/sign': 'sign_upload',
  '/object/list': 'list',
  '/object/info': 'info',
  '/object/sign': 'sign',
  '/object/copy': 'copy',
  '/object/move': 'move'
} as const

const METHODS: Record<string, string> = {
  GET: 'read',
  HEAD: 'info',
  POST: 'upload',
  PUT: 'upload',
  DELETE: 'remove'
}

/** What a request asks of the storage: one of a dozen words, whatever the names of bucket and object are. */
export function operationOf({ method, path }: { method: string; path: string }): string {
  const route = path.replace(/^.*?\/storage\/v1/, '')
  if (/^\/bucket(\/|$)/.test(route)) return 'bucket'
  for (const [start, operation] of Object.entries(ROUTES)) if (route.startsWith(start)) return operation
  return (route.startsWith('/object/') && METHODS[method]) || 'other'
}
