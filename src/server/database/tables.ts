/** Every table of the schema, and the history of migrations. A test compares it with a migrated database. */
export const databaseTables = ['_prisma_migrations', 'session_leases', 'sessions', 'users']
