/** All data of an account: figures, export, import, deletion. */
export {
  createAccountService,
  type Account,
  type AccountOptions,
  type AccountService,
  type ImportSummary
} from './account-service.ts'
