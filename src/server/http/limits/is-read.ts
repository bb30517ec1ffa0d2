import type { FastifyRequest } from 'fastify'

/** Whether a request only reads. A write may have stored something, so it must get its answer. */
export const isRead = ({ method }: Pick<FastifyRequest, 'method'>): boolean =>
  method === 'GET' || method === 'HEAD'
