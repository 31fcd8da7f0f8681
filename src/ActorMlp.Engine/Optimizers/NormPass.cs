using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Parallel;

namespace ActorMlp.Engine.Optimizers;

/// <summary>The loop over panels of weights that bounds each unit's Euclidean norm: squares summed in double precision, inputs ascending.</summary>
internal sealed class NormPass : IParallelBody
{
    private const int Lane = KernelSet.Lane;

    private readonly (int Offset, int Inputs)[] all;
    private readonly KernelSet kernels;
    private readonly float bound;
    private (int Offset, int Inputs)[] panels = [];
    private ParameterRange piece;
    private FloatRegion parameters;

    public NormPass(ParameterLayout layout, KernelSet kernels, float bound)
    {
        this.kernels = kernels;
        this.bound = bound;
        all =
        [
            .. from layer in layout.Layers
               from panel in Enumerable.Range(0, layer.Panels)
               select (layer.WeightsOffset + panel * layer.Inputs * Lane, layer.Inputs),
        ];
    }

    /// <summary>Number of panels.</summary>
    public int Parts => panels.Length;

    /// <summary>Gives a piece's parameters, pinned until the loop is done; panels lie in it whole or not at all.</summary>
    public void Bind(ParameterRange of, FloatRegion weights)
    {
        parameters = weights;
        if (of != piece)
        {
            piece = of;
            panels = Array.FindAll(all, IsInPiece);
        }
    }

    private bool IsInPiece((int Offset, int Inputs) panel) => piece.Contains(new ParameterRange(panel.Offset, panel.Inputs * Lane));

    /// <inheritdoc/>
    public void Run(int part, int worker)
    {
        (int offset, int inputs) = panels[part];
        FloatRegion panel = parameters.From(offset - piece.Offset);
        Span<float> weights = panel.Span[..(inputs * Lane)];
        Span<double> squares = stackalloc double[Lane];
        squares.Clear();
        SumOfSquares.AddColumns(weights, squares);
        Span<float> factors = stackalloc float[Lane];
        bool any = false;
        for (int unit = 0; unit < Lane; unit++)
        {
            double norm = Math.Sqrt(squares[unit]);
            factors[unit] = norm > bound ? (float)(bound / norm) : 1;
            any |= norm > bound;
        }

        if (any)
        {
            kernels.ScaleColumns(panel, factors, weights.Length);
        }
    }
}
