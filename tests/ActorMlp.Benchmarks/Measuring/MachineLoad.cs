using System.Globalization;

namespace ActorMlp.Benchmarks.Measuring;

/// <summary>How busy the machine is with other things than a process that is measured, and its children; by Linux's own account.</summary>
internal sealed class MachineLoad
{
    private const double TicksPerSecond = 100;

    private readonly int[] processes;
    private readonly long busy;
    private readonly long total;
    private readonly long own;

    /// <summary>From now on.</summary>
    /// <param name="measured">Processes that do not count as others, with their children.</param>
    public MachineLoad(params int[] measured)
    {
        processes = measured;
        (busy, total) = Machine();
        own = OfTree(processes);
    }

    /// <summary>Cores that others have used since.</summary>
    public double OtherCores()
    {
        (long busyNow, long totalNow) = Machine();
        double seconds = (totalNow - total) / TicksPerSecond / Environment.ProcessorCount;
        return seconds > 0 ? Math.Max(0, (busyNow - busy - (OfTree(processes) - own)) / TicksPerSecond / seconds) : 0;
    }

    private static (long Busy, long Total) Machine()
    {
        // user, nice, system, idle, waiting for disks, interrupts, soft interrupts, stolen by the host.
        long[] ticks = [.. File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8).Select(text => long.Parse(text, CultureInfo.InvariantCulture))];
        return (ticks.Sum() - ticks[3] - ticks[4], ticks.Sum());
    }

    private static long OfTree(int[] roots)
    {
        var found = new Dictionary<int, (int Parent, long Ticks)>();
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int id) && Read(folder) is { } process)
            {
                found[id] = process;
            }
        }

        bool Belongs(int id) => roots.Contains(id) || (found.TryGetValue(id, out (int Parent, long Ticks) process) && process.Parent > 1 && Belongs(process.Parent));
        return found.Where(pair => Belongs(pair.Key)).Sum(pair => pair.Value.Ticks);
    }

    private static (int Parent, long Ticks)? Read(string folder)
    {
        try
        {
            // The name, in parentheses, may hold anything.
            string text = File.ReadAllText(Path.Combine(folder, "stat"));
            string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            // Its own time, and that of its children which have ended.
            return (int.Parse(fields[1], CultureInfo.InvariantCulture), fields[11..15].Sum(field => long.Parse(field, CultureInfo.InvariantCulture)));
        }
        catch (IOException)
        {
            // It has ended meanwhile.
            return null;
        }
    }
}
