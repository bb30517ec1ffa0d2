const env = process.env

/** One port of the stack: its service, and the environment variable that changes it. */
export interface PortSetting {
  service: string
  variable: string
  port: number
}

function portSetting(service: string, variable: string, standard: number): PortSetting {
  return { service, variable, port: Number(env[variable] || standard) }
}

/** Ports of `npm run dev`; 0 means any free port. */
export const ports = {
  api: portSetting('the API', 'PORT', 3000),
  postgres: portSetting('PostgreSQL', 'POSTGRES_PORT', 13001),
  issuer: portSetting('the issuer', 'ISSUER_PORT', 13002),
  storage: portSetting('the object storage', 'STORAGE_PORT', 13003),
  journal: portSetting('the practice journal', 'JOURNAL_PORT', 13004)
}

/** Directory of the database, recordings, keys and token. */
export const dataDir = env['DATA_DIR'] || '.data'

/** Whether the practice journal keeps everything in the browser and needs no sign-in. */
export const usesMockStorage = env['VITE_USE_MOCK_STORAGE'] === 'true'

/** Largest file in the object storage, in bytes: as in a free project of Supabase, or as the recordings need. */
export const maxFileSize = Math.max(50 * 1024 * 1024, Number(env['MAX_RECORDING_BYTES'] || 0))

/** Audience of the access tokens. */
export const audience = 'https://api.harmony-helper.localhost'
