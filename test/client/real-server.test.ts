import t from 'tap'
import { ApiStorageService } from '../../src/client/index.ts'
import { startRealApi } from './helpers/real-api.ts'
import { behaviours } from './storage-service-suite.ts'

t.test('ApiStorageService does what every storage service does, on the real server', async t => {
  const { baseUrl, newAccount } = await startRealApi(t)
  for (const [behaviour, run] of Object.entries(behaviours)) {
    const { token, profile } = newAccount()
    await t.test(behaviour, () => run(new ApiStorageService({ baseUrl, getAccessToken: async () => token, getProfile: () => profile })))
  }
})
