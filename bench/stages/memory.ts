import type { Stage } from '../report.ts'
export const memory: Stage = async () => ({ title: 'memory', table: [], remarks: [] })
