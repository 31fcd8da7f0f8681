using ActorMlp.Training.Runs;

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
                        Works: view.Ranges.Any(range => range.Worker.Number == member.Key && range.Count > 0))),
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
                    break;
            }
        }

        next.Report(value);
    }

    /// <summary>From a moment to the end of the longest pause between two steps that began in the seconds after it, and before the next fault.</summary>
    public double? RecoveryAfter(double moment, double next)
    {
        double until = Math.Min(moment + Window.TotalSeconds, next);
        double longest = 0;
        double? end = null;
        for (int i = 1; i < commits.Count; i++)
        {
            (double before, double after) = (commits[i - 1].Seconds, commits[i].Seconds);
            bool isOfNext = after > next && next - before < JustBefore.TotalSeconds;
            if (after > moment && before < until && !isOfNext && after - Math.Max(before, moment) > longest)
            {
                longest = after - Math.Max(before, moment);
                end = after - moment;
            }
        }

        return end;
    }
}
