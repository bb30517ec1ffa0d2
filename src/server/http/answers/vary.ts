import type { FastifyReply } from 'fastify'

/** Adds the name of a request header to `Vary`, once (RFC 9110, 12.5.5). */
export function addToVary(reply: FastifyReply, name: string): void {
  const names = String(reply.getHeader('vary') ?? '')
  if (isIn(names, '*') || isIn(names, name)) return
  reply.header('vary', names === '' ? name : `${names}, ${name}`)
}

const isIn = (names: string, name: string) =>
  names.split(',').some((known) => known.trim().toLowerCase() === name.toLowerCase())
