using ActorMlp.Engine.Batches;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <content>
/// Shards that are late are computed by those who are done as well; the first copy counts, as all are equal. A worker that was late once is helped from the
/// beginning of each step until something of it comes in time.
/// </content>
public sealed partial class ParameterServerMachine
{
    /// <summary>Looks at the clock after which whoever was asked for help and did not give it is late too.</summary>
    private const int PatienceWithHelp = 3;

    private readonly StragglerWatch watch = new(shape.StragglerFactor, shape.LateAfter);
    private readonly HashSet<WorkerId> late = [];
    private readonly HashSet<int> helped = [];
    private int looks;
    private int rounds;
    private int inVain;

    /// <summary>By which view the shards of the step in flight belong to whom; only the lead knows for certain.</summary>
    private View Dealt => IsLead && active.Ranges.Count > 0 ? active : newest;

    /// <summary>Time passes: where the step in flight takes longer than steps do, those who are done compute what is missing too.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(LatenessDue message, TimeSpan now)
    {
        _ = message;
        if (pieces.Length == 0 && standby is { } range)
        {
            // What steps take, for the case that it takes over.
            watch.IsLate(range.Step, !range.Held || continued >= range.Step, now);
            return [];
        }

        if (!watch.IsLate(step, phase == Phase.Open && pieces.Length > 0, now))
        {
            looks = 0;
            return [];
        }

        // Only who computed something of this step has its weights for certain. Where nobody did, it is not a worker that is late.
        HashSet<WorkerId> able = [.. pieces.SelectMany(piece => piece.Ledger.Parts).Select(part => part.Worker).Where(worker => newest.RangeOf(worker) is not null)];
        if (able.Count == 0 || (able.Count == 1 && IsAheadOfStandby(able.Single())))
        {
            return [];
        }

        if (helped.Count > 0 && ++looks % PatienceWithHelp == 0)
        {
            helped.Clear();
            rounds++;
        }

        late.UnionWith(Dealt.Ranges.Where(range => !Enumerable.Range(range.First, range.Count).All(IsHere)).Select(range => range.Worker));
        able.ExceptWith(late);
        return Help([.. able.OrderBy(worker => worker.Number).ThenBy(worker => worker.Incarnation)]);
    }

    /// <summary>As a step begins: whoever was late in the one before is helped at once.</summary>
    private List<AskForHelp> HelpFromTheBeginning()
    {
        late.RemoveWhere(worker => newest.RangeOf(worker) is null);
        if (late.Count == 0)
        {
            return [];
        }

        WorkerId[] others = [.. Dealt.Ranges.Where(range => range.Count > 0).Select(range => range.Worker).Where(worker => !late.Contains(worker) && newest.RangeOf(worker) is not null)];
        return others.Length == 1 && IsAheadOfStandby(others[0]) ? [] : Help(others);
    }

    /// <summary>
    /// Whether a worker has weights at first hand, from this server, while all others have them from its standby. Alone it is not to compute a whole step: cut off from all others it would
    /// go on, and what this server knows would be lost with it.
    /// </summary>
    private bool IsAheadOfStandby(WorkerId worker) =>
        worker.Number == self && pieces.Any(piece => piece.Phase == PiecePhase.Collecting && piece.Piece.Standby >= 0);

    /// <summary>Deals what late workers own of the step in flight, and is not there, to others too: neighbours together, as evenly as that goes.</summary>
    private List<AskForHelp> Help(WorkerId[] others)
    {
        View dealt = Dealt;
        int[] blocks = [.. Enumerable.Range(0, shape.Shards / shape.ShardsDealtTogether).Where(block => IsToBeHelped(block, dealt))];
        if (others.Length == 0 || blocks.Length == 0)
        {
            return [];
        }

        var asked = new List<AskForHelp>(others.Length);
        for (int i = 0; i < others.Length; i++)
        {
            int[] share = blocks[(i * blocks.Length / others.Length)..((i + 1) * blocks.Length / others.Length)];
            if (share.Length > 0)
            {
                asked.Add(new AskForHelp(others[(i + rounds) % others.Length], new ComputeAlso(dealt.Number, step, [.. NodesOf(share)])));
            }
        }

        foreach (int shard in blocks.SelectMany(ShardsOf))
        {
            helped.Add(shard);
            if (IsLead)
            {
                redealt.EnterLate(dealt.OwnerOf(shard)!.Value.Number, shard);
            }
        }

        return asked;
    }

    /// <summary>
    /// A result of the step in flight: whoever sends what it owns is late no more. What comes from somebody else was asked for, perhaps by another server, unless it is that worker's in
    /// the view that the lead goes by, or was in the one in which the step opened.
    /// </summary>
    private void EnterHelp(SubtreeComputed result)
    {
        if (shape.StragglerFactor == 0 || !views.TryGetValue(result.View, out View? view))
        {
            return;
        }

        for (int shard = result.Node.FirstShard; shard < result.Node.EndShard; shard++)
        {
            if (view.OwnerOf(shard) is not { } owner)
            {
                continue;
            }

            if (owner == result.Worker)
            {
                late.Remove(owner);
            }
            else if (IsLead && active.OwnerOf(shard) != result.Worker && !redealt.WasDealtAwayFrom(result.Worker.Number, shard) && helped.Add(shard))
            {
                redealt.EnterLate(owner.Number, shard);
            }
        }
    }

    /// <summary>Whether a result that is not taken was computed for nothing: it is no worker's second sending of what was counted.</summary>
    private bool IsInVain(SubtreeComputed dropped) =>
        !dropped.Verifies
        && dropped.View >= Arrangement.Number
        && pieces.Length > 0
        && dropped.Offset == pieces[0].Piece.Offset
        && (dropped.Step < step || !pieces[0].Ledger.Parts.Any(part => part.Node.Covers(dropped.Node) && part.Worker == dropped.Worker));

    private bool IsHere(int shard) => pieces.All(piece => piece.Phase != PiecePhase.Collecting || piece.Ledger.Has(shard));

    /// <summary>Shards that are verified are not helped: what their owner computes is what the other computation is compared with.</summary>
    private bool IsToBeHelped(int block, View dealt)
    {
        int first = block * shape.ShardsDealtTogether;
        return dealt.OwnerOf(first) is { } owner
            && late.Contains(owner)
            && ShardsOf(block).Any(shard => !helped.Contains(shard) && !IsHere(shard))
            && !verification.Includes(step, new TreeNode(int.Log2(shape.ShardsDealtTogether), block));
    }

    private IEnumerable<int> ShardsOf(int block) => Enumerable.Range(block * shape.ShardsDealtTogether, shape.ShardsDealtTogether);

    private IEnumerable<TreeNode> NodesOf(int[] blocks)
    {
        for (int begin = 0, end = 1; begin < blocks.Length; begin = end++)
        {
            while (end < blocks.Length && blocks[end] == blocks[end - 1] + 1)
            {
                end++;
            }

            foreach (TreeNode node in TreeNode.Cover(blocks[begin] * shape.ShardsDealtTogether, (blocks[end - 1] + 1) * shape.ShardsDealtTogether))
            {
                yield return node;
            }
        }
    }
}
