using ActorMlp.Engine.Batches;

namespace ActorMlp.Training.Consistency;

/// <summary>What is taken in of a step that is not committed.</summary>
/// <param name="clock">The step, 0-based.</param>
internal sealed class StepAccount(long clock)
{
    private readonly SortedDictionary<int, (UpdatePart Part, GradientTotals Totals)> parts = [];

    public long Clock => clock;

    /// <summary>Updates that must be applied before the step can be committed.</summary>
    public long Updates { get; set; }

    /// <summary>The largest norm of its updates' gradients; null where it is not bounded.</summary>
    public double? Norm { get; set; }

    /// <summary>The shares that are in, ascending.</summary>
    public IEnumerable<UpdatePart> Parts => parts.Values.Select(entry => entry.Part);

    public int Count => parts.Count;

    public void Enter(UpdatePart part, GradientTotals totals) => parts.Add(part.Share, (part, totals));

    public bool Has(int share) => parts.ContainsKey(share);

    /// <summary>The sums over what is in, in the order of shares.</summary>
    public GradientTotals Total() => parts.Values.Aggregate(default(GradientTotals), (sum, entry) => sum + entry.Totals);
}
