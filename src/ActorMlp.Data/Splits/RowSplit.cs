using ActorMlp.Engine.Random;

namespace ActorMlp.Data.Splits;

/// <summary>Which rows train, validate and test; each list ascending.</summary>
/// <param name="Training">Rows to train on.</param>
/// <param name="Validation">Rows to validate on.</param>
/// <param name="Test">Rows to test on.</param>
public sealed record RowSplit(int[] Training, int[] Validation, int[] Test)
{
    /// <summary>
    /// Splits rows by chance. Rows are grouped (by class, to stratify), each group is shuffled, and its first rows go to the test, the next to
    /// validation. The sizes of all groups together are the fractions of all rows, rounded; groups share the rounding by largest remainder.
    /// </summary>
    /// <param name="groups">The group of each row, 0-based; all 0 for no stratification.</param>
    /// <param name="validationFraction">Share of rows to validate on.</param>
    /// <param name="testFraction">Share of rows to test on.</param>
    /// <param name="seed">The seed.</param>
    public static RowSplit Draw(ReadOnlySpan<int> groups, double validationFraction, double testFraction, ulong seed)
    {
        var byGroup = new SortedDictionary<int, List<int>>();
        for (int row = 0; row < groups.Length; row++)
        {
            if (!byGroup.TryGetValue(groups[row], out List<int>? rows))
            {
                byGroup[groups[row]] = rows = [];
            }

            rows.Add(row);
        }

        int[] sizes = [.. byGroup.Values.Select(rows => rows.Count)];
        int[] test = Share(sizes, sizes, testFraction, groups.Length);
        int[] validation = Share(sizes, [.. sizes.Zip(test, (size, taken) => size - taken)], validationFraction, groups.Length);
        List<int> training = [], validating = [], testing = [];
        var random = new CounterRandom(seed, RandomPurpose.Split);
        int group = 0;
        foreach ((int key, List<int> rows) in byGroup)
        {
            for (int i = rows.Count - 1; i > 0; i--)
            {
                int other = random.Below(i + 1, 0, (uint)key, (uint)i);
                (rows[i], rows[other]) = (rows[other], rows[i]);
            }

            int testEnd = test[group], validationEnd = testEnd + validation[group];
            testing.AddRange(rows[..testEnd]);
            validating.AddRange(rows[testEnd..validationEnd]);
            training.AddRange(rows[validationEnd..]);
            group++;
        }

        return new RowSplit([.. training.Order()], [.. validating.Order()], [.. testing.Order()]);
    }

    /// <summary>How many of each group's rows make up a fraction of all, by largest remainder (the earlier group on a tie), among groups with room.</summary>
    private static int[] Share(int[] sizes, int[] room, double fraction, int total)
    {
        int[] share = [.. sizes.Zip(room, (size, most) => Math.Min(most, (int)Math.Floor(size * fraction)))];
        int wanted = Math.Min(room.Sum(), (int)Math.Round(total * fraction, MidpointRounding.AwayFromZero));
        for (int missing = wanted - share.Sum(); missing > 0; missing = wanted - share.Sum())
        {
            foreach (int group in Enumerable.Range(0, sizes.Length)
                .Where(group => share[group] < room[group])
                .OrderByDescending(group => sizes[group] * fraction - share[group])
                .ThenBy(group => group)
                .Take(missing)
                .ToArray())
            {
                share[group]++;
            }
        }

        return share;
    }
}
