import { ConfigurationFault } from '../../errors.ts'
import type { DatabaseFacts } from './database-facts.ts'

/** Another encoding lacks characters, or stores bytes that no JSON function of PostgreSQL can read again. */
export function checkEncoding({ encoding }: DatabaseFacts): ConfigurationFault | undefined {
  if (encoding === 'UTF8') return undefined
  return new ConfigurationFault(
    'encoding_not_utf8',
    `The encoding of the database is ${encoding} and cannot be changed: create a new one with ` +
      "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, move the data, and change DATABASE_URL"
  )
}
