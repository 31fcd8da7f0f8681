namespace ActorMlp.Cluster.Runs;

/// <summary>The cluster does not take a run; the message is for the user.</summary>
/// <param name="reasons">Why, a line each.</param>
public sealed class RunRefusedException(IReadOnlyList<string> reasons) : Exception(string.Join(Environment.NewLine, reasons))
{
    /// <summary>Why, a line each.</summary>
    public IReadOnlyList<string> Reasons => reasons;
}
