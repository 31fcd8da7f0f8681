namespace ActorMlp.Cluster.Runs;

/// <summary>What a node logs of its part in a run, where others read it.</summary>
public static class NodeRunLog
{
    /// <summary>The part is over: its number, the run, the newest view that it knew, and the highest step whose update it applied, plus one.</summary>
    public const string PartEnded = "node {0} of run {1} ends in view {2}: updates up to step {3} are applied here";

    /// <summary>The place of the steps among the template's values.</summary>
    public const int StepsValue = 3;
}
