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
        List<int> training = [], validation = [], test = [];
        SplitPart[] parts = Assign(groups, validationFraction, testFraction, seed);
        for (int row = 0; row < parts.Length; row++)
        {
            (parts[row] switch { SplitPart.Training => training, SplitPart.Validation => validation, _ => test }).Add(row);
        }

        return new RowSplit([.. training], [.. validation], [.. test]);
    }

    /// <summary>The same split, as the part of each row.</summary>
    /// <param name="groups">The group of each row, 0-based; all 0 for no stratification.</param>
    /// <param name="validationFraction">Share of rows to validate on.</param>
    /// <param name="testFraction">Share of rows to test on.</param>
    /// <param name="seed">The seed.</param>
    public static SplitPart[] Assign(ReadOnlySpan<int> groups, double validationFraction, double testFraction, ulong seed)
    {
        var parts = new SplitPart[groups.Length];
        if (validationFraction == 0 && testFraction == 0)
        {
            return parts;
        }

        (int[] keys, int[] sizes, int[] rows) = ByGroup(groups);
        int[] test = Share(sizes, sizes, testFraction, groups.Length);
        int[] validation = Share(sizes, [.. sizes.Zip(test, (size, taken) => size - taken)], validationFraction, groups.Length);
        var random = new CounterRandom(seed, RandomPurpose.Split);
        int start = 0;
        for (int group = 0; group < keys.Length; group++)
        {
            Span<int> members = rows.AsSpan(start, sizes[group]);
            for (int i = members.Length - 1; i > 0; i--)
            {
                int other = random.Below(i + 1, 0, (uint)keys[group], (uint)i);
                (members[i], members[other]) = (members[other], members[i]);
            }

            for (int i = 0; i < test[group] + validation[group]; i++)
            {
                parts[members[i]] = i < test[group] ? SplitPart.Test : SplitPart.Validation;
            }

            start += sizes[group];
        }

        return parts;
    }

    /// <summary>The groups in ascending order, their sizes, and all rows: those of the first group, ascending, then those of the next.</summary>
    private static (int[] Keys, int[] Sizes, int[] Rows) ByGroup(ReadOnlySpan<int> groups)
    {
        var counts = new SortedDictionary<int, int>();
        foreach (int group in groups)
        {
            counts[group] = counts.GetValueOrDefault(group) + 1;
        }

        var next = new Dictionary<int, int>();
        int start = 0;
        foreach ((int group, int count) in counts)
        {
            next[group] = start;
            start += count;
        }

        var rows = new int[groups.Length];
        for (int row = 0; row < rows.Length; row++)
        {
            rows[next[groups[row]]++] = row;
        }

        return ([.. counts.Keys], [.. counts.Values], rows);
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
