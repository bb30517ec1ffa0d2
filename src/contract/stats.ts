import { Type, type Static } from '@sinclair/typebox'

/** Query of `GET /api/stats`. */
export const StatsQuerySchema = Type.Object({
  tz: Type.Optional(
    Type.String({
      maxLength: 64,
      description: 'IANA time zone for this answer, instead of the stored one',
      examples: ['Europe/Berlin']
    })
  )
})

/** Answer of `GET /api/stats`: the data of the graph and the streak. */
export const UserStatsSchema = Type.Object(
  {
    weekly_progress: Type.Array(
      Type.Object({
        day: Type.String({ description: 'Mon to Sun' }),
        date: Type.String({ format: 'date' }),
        minutes: Type.Integer({ description: 'Practice of the day, rounded' })
      }),
      { description: "The seven days, Monday to Sunday, of the current week in the user's time zone" }
    ),
    streak: Type.Integer({
      description: 'Consecutive days with practice, up to today or, while today has none, up to yesterday'
    }),
    total_minutes: Type.Integer({
      description: 'Minutes of all practice, rounded once; so not the sum of the rounded days'
    })
  },
  {
    title: 'UserStats',
    examples: [
      {
        weekly_progress: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].map((day, i) => ({
          day,
          date: `2026-11-${16 + i}`,
          minutes: i < 5 ? 20 : 0
        })),
        streak: 5,
        total_minutes: 1234
      }
    ]
  }
)

export type UserStatsData = Static<typeof UserStatsSchema>

const Day = (description: string, example: string) =>
  Type.String({ format: 'date', description, examples: [example] })

/** Query of `GET /api/stats/days`. */
export const PracticeDaysQuerySchema = Type.Object({
  from: Day('first day, such as 2026-01-01', '2026-01-01'),
  to: Day('last day, included; at most 1,100 days', '2026-12-31'),
  ...StatsQuerySchema.properties
})

/** Days from `from` to `to`, both included, as `YYYY-MM-DD`. */
export type DayRange = Pick<Static<typeof PracticeDaysQuerySchema>, 'from' | 'to'>

/** Answer of `GET /api/stats/days`. */
export const PracticeDaysSchema = Type.Object(
  {
    days: Type.Array(
      Type.Object({
        date: Day('Local day', '2026-11-16'),
        minutes: Type.Integer({ description: 'Practice of the day, rounded' }),
        sessions: Type.Integer({ description: 'Number of sessions' })
      }),
      { description: 'The days with practice, in order' }
    )
  },
  { title: 'PracticeDays', examples: [{ days: [{ date: '2026-11-16', minutes: 20, sessions: 2 }] }] }
)

/** The practice of one local day. */
export type DailyPractice = Static<typeof PracticeDaysSchema>['days'][number]
