import { Type, type Static } from '@sinclair/typebox'

export const StatsQuerySchema = Type.Object({
  tz: Type.Optional(
    Type.String({ maxLength: 64, description: 'IANA time zone for this answer, instead of the stored one' })
  )
})

/** `GET /api/stats`: what the graph and the streak show. */
export const UserStatsSchema = Type.Object(
  {
    weekly_progress: Type.Array(
      Type.Object({
        day: Type.String({ description: 'Mon to Sun' }),
        date: Type.String({ format: 'date' }),
        minutes: Type.Integer()
      }),
      { description: "The seven days of the current week in the user's time zone" }
    ),
    streak: Type.Integer({
      description: 'Consecutive days with practice up to today, or to yesterday while today has none'
    }),
    total_minutes: Type.Integer()
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

export type UserStats = Static<typeof UserStatsSchema>
