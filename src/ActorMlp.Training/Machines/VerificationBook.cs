using ActorMlp.Engine.Batches;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <summary>
/// The second computations of a step for one piece: each is compared with what was counted, and never counted itself. The step waits until all that can
/// still come have come.
/// </summary>
/// <param name="plan">What is computed twice.</param>
internal sealed class VerificationBook(VerificationPlan plan)
{
    private readonly Dictionary<TreeNode, List<SubtreeComputed>> early = [];
    private readonly HashSet<TreeNode> compared = [];

    /// <summary>Shards of the step that two workers computed with the same bits.</summary>
    public int ShardsVerified => compared.Sum(node => node.ShardCount);

    /// <summary>Enters a second computation, or one that was counted already.</summary>
    /// <returns>What to tell of two that differ; else null.</returns>
    public DuplicatesDiffer? Enter(SubtreeComputed second, StepLedger ledger)
    {
        if (ledger.PartOf(second.Node) is { } counted)
        {
            return Compare(counted, second);
        }

        // Perhaps from several workers, as views changed: one of them may be the very worker whose result will be counted.
        if (!early.TryGetValue(second.Node, out List<SubtreeComputed>? seconds))
        {
            early[second.Node] = seconds = [];
        }

        seconds.Add(second);
        return null;
    }

    /// <summary>A result was counted: compares what came before it.</summary>
    /// <returns>What to tell of two that differ; else null.</returns>
    public DuplicatesDiffer? EnterCounted(SubtreeComputed counted) =>
        early.Remove(counted.Node, out List<SubtreeComputed>? seconds)
            ? seconds.Select(second => Compare(counted, second)).ToList().Find(difference => difference is not null)
            : null;

    /// <summary>Whether nothing is to be waited for: each subtree was compared, or whoever should have computed it for the second time is gone.</summary>
    /// <param name="step">The step, 0-based.</param>
    /// <param name="ledger">What was counted of it: everything.</param>
    /// <param name="viewOf">The view in which a result, and with it the second one, is computed; null for one that was not heard of.</param>
    /// <param name="newest">The newest view.</param>
    public bool IsSettled(long step, StepLedger ledger, Func<SubtreeComputed, View?> viewOf, View newest) => plan.NodesOf(step).All(node =>
        compared.Contains(node) || (ledger.PartOf(node) is { } counted && !IsAwaited(step, counted, viewOf(counted), newest)));

    /// <summary>Opens the book of another step.</summary>
    public void Clear()
    {
        early.Clear();
        compared.Clear();
    }

    /// <summary>
    /// Whether a second computation is still to come. It is not, where nobody else is there to make it, or where after a loss it would be that of the very
    /// worker that was counted. Of a view that was not heard of it is not known who makes it: one that is newer is waited for, word of an older one got lost.
    /// </summary>
    private bool IsAwaited(long step, SubtreeComputed counted, View? view, View newest) => view is null
        ? counted.View > newest.Number
        : plan.VerifierOf(view, step, counted.Node) is { } verifier
        && verifier.Number != counted.Worker.Number
        && newest.RangeOf(verifier) is not null
        && plan.VerifierOf(newest, step, counted.Node) is not null;

    private DuplicatesDiffer? Compare(SubtreeComputed counted, SubtreeComputed second)
    {
        if (counted.Worker.Number == second.Worker.Number || !plan.Includes(counted.Step, counted.Node))
        {
            return null;
        }

        if (counted.Gradient.Node != counted.Node || second.Gradient.Node != second.Node)
        {
            throw new InvalidOperationException($"{counted.Node} of step {counted.Step} is to be compared, but came as a part of a larger sum");
        }

        compared.Add(counted.Node);
        return StepLedger.SameBits(counted, second) ? null : new DuplicatesDiffer(counted.Step, counted.Node, counted.Worker, second.Worker);
    }
}
