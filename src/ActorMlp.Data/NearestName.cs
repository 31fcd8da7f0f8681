namespace ActorMlp.Data;

/// <summary>The known name that a misspelt one is probably meant to be.</summary>
public static class NearestName
{
    /// <summary>The name with the smallest edit distance (Damerau–Levenshtein, case ignored), if it is close enough to be meant; else null.</summary>
    public static string? Of(string wrong, IEnumerable<string> known)
    {
        string? nearest = null;
        int best = Math.Min(Math.Max(2, wrong.Length / 3) + 1, Math.Max(1, wrong.Length));
        foreach (string name in known)
        {
            int distance = Distance(wrong.ToLowerInvariant(), name.ToLowerInvariant());
            if (distance < best)
            {
                (best, nearest) = (distance, name);
            }
        }

        return nearest;
    }

    private static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            d[i, 0] = i;
        }

        for (int j = 0; j <= b.Length; j++)
        {
            d[0, j] = j;
        }

        for (int i = 1; i <= a.Length; i++)
        {
            for (int j = 1; j <= b.Length; j++)
            {
                int cost = a[i - 1] == b[j - 1] ? 0 : 1;
                d[i, j] = Math.Min(Math.Min(d[i - 1, j] + 1, d[i, j - 1] + 1), d[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
                }
            }
        }

        return d[a.Length, b.Length];
    }
}
