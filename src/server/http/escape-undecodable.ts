/**
 * Fastify's `rewriteUrl`: escapes each `%` of a path that is not valid percent-encoded UTF-8, so that it reaches the
 * hooks. Fastify would otherwise answer it before delays, authentication and headers.
 */
export function escapeUndecodable({ url = '/' }: { url?: string | undefined }): string {
  const [path = ''] = url.split('?', 1)
  if (!path.includes('%')) return url
  try {
    decodeURIComponent(path)
    return url
  } catch {
    return path.replaceAll('%', '%25') + url.slice(path.length)
  }
}
