using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Cli.Chaos;

/// <summary>What was heard of a run and when: steps, and who does what.</summary>
/// <param name="time">The clock.</param>
/// <param name="next">Hears the events too.</param>
internal sealed class ChaosClock(TimeProvider time, IProgress<RunEvent> next) : IProgress<RunEvent>
{
    /// <summary>The longest pause that begins so soon after a fault is taken to be its consequence.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    /// <summary>A pause that began so shortly before the next fault is that one's.</summary>
    private static readonly TimeSpan JustBefore = TimeSpan.FromSeconds(0.5);

    private readonly Lock gate = new();
    private readonly List<(double Seconds, long Step)> commits = [];
    private readonly List<(double Seconds, long Lost, string Reason)> rewinds = [];
    private readonly List<(double Seconds, string Reason)> takeovers = [];
    private readonly List<(double Seconds, IReadOnlySet<string> Nodes)> views = [];
    private long began;
    private IReadOnlyDictionary<int, string> members = new Dictionary<int, string>();
    private ViewStands? standing;

    /// <summary>Steps committed.</summary>
    public long Step
    {
        get
        {
            lock (gate)
            {
                return commits.Count > 0 ? commits[^1].Step : 0;
            }
        }
    }

    /// <summary>Time since the first step.</summary>
    public TimeSpan Elapsed => Volatile.Read(ref began) is not 0 and long since ? time.GetElapsedTime(since) : TimeSpan.Zero;

    /// <summary>Whether a step was committed.</summary>
    public bool HasBegun => Volatile.Read(ref began) != 0;

    /// <summary>What each node does, by the view that stands.</summary>
    public IReadOnlyList<NodePart> Parts
    {
        get
        {
            lock (gate)
            {
                return standing is not { View: { } view, Coordinator: var coordinator } ? [] :
                [
                    .. members.Select(member => new NodePart(
                        member.Value,
                        IsCoordinator: member.Value == coordinator,
                        Leads: view.Arrangement.Lead == member.Key,
                        Serves: view.Arrangement.PiecesOf(member.Key).Any(),
                        Works: Works(view, member.Key))),
                ];
            }
        }
    }

    /// <summary>All steps that were committed, with the time.</summary>
    public IReadOnlyList<(double Seconds, long Step)> Commits => commits;

    /// <summary>When the run went back, how many steps, and why.</summary>
    public IReadOnlyList<(double Seconds, long Lost, string Reason)> Rewinds => rewinds;

    /// <summary>When somebody took over.</summary>
    public IReadOnlyList<(double Seconds, string Reason)> Takeovers => takeovers;

    public void Report(RunEvent value)
    {
        lock (gate)
        {
            switch (value)
            {
                case StepCommittedEvent committed:
                    if (began == 0)
                    {
                        began = time.GetTimestamp();
                    }

                    commits.Add((Elapsed.TotalSeconds, committed.Metrics.Step));
                    break;
                case RunRewound rewound:
                    rewinds.Add((Elapsed.TotalSeconds, Math.Max(0, (commits.Count > 0 ? commits[^1].Step : 0) - rewound.Step), rewound.Reason));
                    break;
                case StandbyTookOver over:
                    takeovers.Add((Elapsed.TotalSeconds, over.Reason));
                    break;
                case CoordinatorTookOver:
                    takeovers.Add((Elapsed.TotalSeconds, "the coordinator was lost"));
                    break;
                case MembersKnown known:
                    members = known.Nodes;
                    break;
                case ViewStands view:
                    standing = view;
                    views.Add((Elapsed.TotalSeconds, members.Where(member => HasPart(view.View, member.Key)).Select(member => member.Value).ToHashSet(StringComparer.Ordinal)));
                    break;
            }
        }

        next.Report(value);
    }

    /// <summary>How a node that was cut off, or stopped, came back.</summary>
    /// <param name="node">Its control address.</param>
    /// <param name="from">When it was struck.</param>
    /// <param name="until">When the link was mended, or it went on.</param>
    /// <returns>Whether a view without it stood meanwhile; and if so, how long after <paramref name="until"/> the first step was committed in which it has a part again, null for never.</returns>
    public (bool WasRemoved, double? BackAfter) ReturnOf(string node, double from, double until)
    {
        int removed = views.FindIndex(view => view.Seconds >= from && !view.Nodes.Contains(node));
        int before = views.FindLastIndex(view => view.Seconds < from);
        if (removed < 0 || before < 0 || !views[before].Nodes.Contains(node))
        {
            return (false, null);
        }

        int back = views.FindIndex(removed, view => view.Nodes.Contains(node));
        double? step = back < 0 ? null : commits.Where(commit => commit.Seconds > views[back].Seconds).Select(commit => (double?)commit.Seconds).FirstOrDefault();
        return (true, step - until);
    }

    /// <summary>From the end of nodes' processes to the first step that is committed without them: it is of a view in which they have no part.</summary>
    /// <param name="nodes">Their control addresses.</param>
    /// <param name="moment">When they were killed.</param>
    /// <returns>Null where they had no part, or no step followed.</returns>
    public double? RecoveryWithout(IReadOnlyCollection<string> nodes, double moment)
    {
        int before = views.FindLastIndex(view => view.Seconds < moment);
        int without = views.FindIndex(before + 1, view => !nodes.Any(view.Nodes.Contains));
        if (before < 0 || without < 0 || !nodes.Any(views[before].Nodes.Contains))
        {
            return null;
        }

        return commits.Where(commit => commit.Seconds > views[without].Seconds).Select(commit => (double?)(commit.Seconds - moment)).FirstOrDefault();
    }

    /// <summary>From a moment to the end of the longest pause between two steps that began in the seconds after it, and before the next fault.</summary>
    public double? RecoveryAfter(double moment, double next) => PauseAfter(moment, next)?.End;

    /// <summary>The longest pause between two steps that began in the seconds after a moment, and before the next fault: its end, counted from the moment, and the step before it.</summary>
    public (double End, long Step)? PauseAfter(double moment, double next)
    {
        double until = Math.Min(moment + Window.TotalSeconds, next);
        double longest = 0;
        (double End, long Step)? pause = null;
        for (int i = 1; i < commits.Count; i++)
        {
            (double before, double after) = (commits[i - 1].Seconds, commits[i].Seconds);
            bool isOfNext = after > next && next - before < JustBefore.TotalSeconds;
            if (after > moment && before < until && !isOfNext && after - Math.Max(before, moment) > longest)
            {
                longest = after - Math.Max(before, moment);
                pause = (after - moment, commits[i - 1].Step);
            }
        }

        return pause;
    }

    private static bool Works(View view, int number) => view.Ranges.Any(range => range.Worker.Number == number && range.Count > 0);

    private static bool HasPart(View view, int number) => Works(view, number) || view.Arrangement.PiecesOf(number).Any();
}
