using ActorMlp.Engine.Numerics;

namespace ActorMlp.Training.Consistency;

/// <summary>The vectors of a share, made when they are first needed.</summary>
/// <param name="model">What computes.</param>
/// <param name="nodes">Subtrees of the share.</param>
internal sealed class ShareBuffers(IShareModel model, int nodes)
{
    private AlignedBuffer? copy;
    private AlignedBuffer[]? gradients;
    private IShareOptimizer? optimizer;
    private float[][]? stateBefore;
    private long roundOf = -1;

    /// <summary>The newest order to compute it.</summary>
    public long Ticket { get; set; }

    /// <summary>Its copy of the weights.</summary>
    public AlignedBuffer Copy => copy ??= new AlignedBuffer(model.Length);

    /// <summary>The gradients of its subtrees, left to right.</summary>
    public AlignedBuffer[] Gradients => gradients ??= [.. Enumerable.Range(0, nodes).Select(_ => new AlignedBuffer(model.Length))];

    /// <summary>What trains its copy.</summary>
    public IShareOptimizer Optimizer => optimizer ??= model.CreateOptimizer();

    /// <summary>The state of what trains its copy.</summary>
    public IEnumerable<Memory<float>> State => Optimizer.Slots.Select(slot => slot.Values);

    /// <summary>Begins a round, or begins the same one anew: then the state is again what it was before.</summary>
    /// <param name="version">Updates before the round.</param>
    public void BeginRound(long version)
    {
        bool isNew = roundOf != version;
        roundOf = version;
        stateBefore ??= [.. State.Select(_ => new float[model.Length])];
        foreach ((Memory<float> now, float[] before) in State.Zip(stateBefore))
        {
            if (isNew)
            {
                now.Span.CopyTo(before);
            }
            else
            {
                before.CopyTo(now.Span);
            }
        }
    }
}
