using ActorMlp.Engine.Networks;

namespace ActorMlp.Engine.Batches;

/// <summary>
/// Where a layer's dropout draws lie: unit u of stage s (0 the inputs, s the output of layer s) is kept where the 32 bits at
/// (seed, dropout, step, dataset row, <see cref="FirstIndex"/> + u) are at least <see cref="Threshold"/>.
/// </summary>
/// <param name="FirstIndex">The widths of all stages before, each rounded up to 4: no two stages share a number.</param>
/// <param name="Threshold">The probability in units of 2^-32.</param>
/// <param name="Scale">1 / (1 - p), what is kept is multiplied by.</param>
internal readonly record struct DropoutPlan(uint FirstIndex, uint Threshold, float Scale)
{
    /// <summary>Whether anything is ever dropped.</summary>
    public bool Active => Threshold != 0;

    /// <summary>The plans of the inputs and of each layer.</summary>
    public static DropoutPlan[] For(NetworkSpec spec)
    {
        var plans = new DropoutPlan[spec.Layers.Count + 1];
        uint index = 0;
        for (int stage = 0; stage < plans.Length; stage++)
        {
            float p = stage == 0 ? spec.InputDropout : spec.Layers[stage - 1].Dropout;
            int width = stage == 0 ? spec.Inputs : spec.Layers[stage - 1].Units;
            plans[stage] = new DropoutPlan(index, (uint)(p * 4294967296.0), (float)(1.0 / (1.0 - p)));
            index += (uint)(width + 3) / 4 * 4;
        }

        return plans;
    }
}
