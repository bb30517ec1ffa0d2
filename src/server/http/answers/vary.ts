import type { FastifyReply } from 'fastify'

/** Adds the name of a request header to `Vary`, once (RFC 9110, 12.5.5). */
export function addToVary(reply: FastifyReply, name: string): void {
  const names = String(reply.getHeader('vary') ?? '')
  if (names === '') reply.header('vary', name)
  else if (!names.split(', ').includes(name)) reply.header('vary', `${names}, ${name}`)
}
