/**
 * Fastify's `rewriteUrl`: a path that is not percent-encoded UTF-8 stands for itself, character by character. Fastify
 * would answer it before all hooks, so without a delay, without a token and without the headers of answers.
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
