import type { FastifyReply } from 'fastify'

/** Adds the name of a request header to `Vary`, once (RFC 9110, 12.5.5). */
export function addToVary(reply: FastifyReply, name: string): void {
  const names = String(reply.getHeader('vary') ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
  if (names.some((known) => known === '*' || known.toLowerCase() === name.toLowerCase())) return
  reply.header('vary', [...names, name].join(', '))
}
