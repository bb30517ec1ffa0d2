/** Every table of the schema, and the history of migrations. A test compares it with a migrated database. */
export const databaseTables = [
  '_prisma_migrations',
  'maintenance_tasks',
  'open_uploads',
  'session_leases',
  'sessions',
  'users'
]
