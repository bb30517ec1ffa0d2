import { Type, type Static } from '@sinclair/typebox'

/** Query of `GET /api/stats`. */
export const StatsQuerySchema = Type.Object({
  tz: Type.Optional(
    Type.String({ maxLength: 64, description: 'IANA time zone for this answer, instead of the stored one' })
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
