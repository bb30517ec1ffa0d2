import type { Stage } from '../report.ts'
export const reconcile: Stage = async () => ({ title: 'reconcile', table: [], remarks: [] })
