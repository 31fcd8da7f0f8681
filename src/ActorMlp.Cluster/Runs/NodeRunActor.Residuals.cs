using ActorMlp.Engine.Encodings;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Views;

namespace ActorMlp.Cluster.Runs;

/// <content>
/// What the encoding of gradients owes. It is with the workers that own the subtrees; whenever the run holds they send it to the keeper, which gives it to the
/// owners of the next arrangement.
/// </content>
internal sealed partial class NodeRunActor
{
    private readonly List<ComputeSubtree> waitingForResidual = [];
    private readonly Dictionary<int, int> residualFloats = [];
    private SubtreeEncoder? encoder;
    private SharedBuffers? residualCopies;

    /// <summary>An encoder that knows nothing of the arrangement before: what was under way there keeps its own.</summary>
    private void BeginEncoding()
    {
        encoder = prepared!.Setup.CreateEncoder();
        waitingForResidual.Clear();
        residualFloats.Clear();
    }

    /// <summary>Whether a subtree's residual is there, as far as it has one. Before the first step nothing is owed.</summary>
    private bool OwesAreKnown(ComputeSubtree task) =>
        encoder?.Residuals is null
        || view.Arrangement.Step == 0
        || residualFloats.GetValueOrDefault(task.Node.Index) == prepared!.Setup.Network.Layout.Length;

    private void ReceiveResidual(int subtree, int offset, ReadOnlySpan<float> values)
    {
        values.CopyTo(encoder!.Residuals!.Prepare(subtree, view.Arrangement.Step).Span[offset..]);
        residualFloats[subtree] = residualFloats.GetValueOrDefault(subtree) + values.Length;
        List<ComputeSubtree> ready = waitingForResidual.FindAll(OwesAreKnown);
        waitingForResidual.RemoveAll(ready.Contains);
        ready.ForEach(Compute);
    }

    /// <summary>Sends what the subtrees of this worker owe before a step at which the run holds.</summary>
    private void SendResiduals(long step)
    {
        if (encoder?.Residuals is not { } residuals || view.RangeOf(self) is not { } range)
        {
            return;
        }

        residualCopies ??= new SharedBuffers(prepared!.Setup.Network.Layout.Length);
        int firstSlot = prepared!.Setup.StateNames.Count - prepared.Setup.Encoding!.Subtrees + 1;
        for (int subtree = range.First >> encoder.Level; subtree < range.End >> encoder.Level; subtree++)
        {
            SharedBuffer copy = residualCopies.Rent();
            residuals.Owed(subtree, step).CopyTo(copy.Floats);
            foreach (ParameterPiece piece in view.Arrangement.Pieces)
            {
                links.SendState(
                    run.Keeper.NodeId, view.Arrangement.Number, step, firstSlot + subtree, piece.Offset, copy, piece.Offset, piece.Length);
            }

            copy.Release();
        }
    }
}
