using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Random;

namespace ActorMlp.Engine.Batches;

/// <summary>
/// Inverted dropout (Srivastava et al. 2014): a unit is kept with probability 1-p and then scaled by 1/(1-p). Whether unit u of layer l is kept
/// for a row at a step is a function of (seed, step, row of the data set, l, u): the draw at index offset(l) + u, where offset(l) is the sum of the
/// widths before l (inputs are layer 0), each rounded up to four.
/// </summary>
internal sealed class DropoutMask
{
    private readonly uint[] offsets;
    private readonly float[] probabilities;

    public DropoutMask(NetworkSpec spec)
    {
        probabilities = [spec.InputDropout, .. spec.Layers.Select(layer => layer.Dropout)];
        offsets = new uint[probabilities.Length];
        long offset = 0;
        for (int layer = 0; layer < offsets.Length; layer++)
        {
            offsets[layer] = checked((uint)offset);
            offset += ((layer == 0 ? spec.Inputs : spec.Layers[layer - 1].Units) + 3) / 4 * 4;
        }
    }

    /// <summary>Whether units of a layer are dropped; layer 0 are the inputs.</summary>
    public bool Applies(int layer) => probabilities[layer] > 0;

    /// <summary>For units from <paramref name="firstUnit"/>, a multiple of four, writes 0 for each unit that is dropped and 1/(1-p) for each that is kept.</summary>
    public void Fill(ulong seed, long step, int row, int layer, int firstUnit, Span<float> mask)
    {
        float probability = probabilities[layer];
        uint threshold = (uint)(probability * 4294967296.0);
        float scale = 1f / (1f - probability);
        var random = new CounterRandom(seed, RandomPurpose.Dropout);
        uint group = (offsets[layer] + (uint)firstUnit) / 4;
        for (int unit = 0; unit < mask.Length; unit += 4, group++)
        {
            PhiloxBlock block = Philox.Draw(random.Counter((ulong)step, (uint)row, group), random.Key0, random.Key1);
            mask[unit] = block.X0 >= threshold ? scale : 0;
            if (unit + 1 < mask.Length)
            {
                mask[unit + 1] = block.X1 >= threshold ? scale : 0;
            }

            if (unit + 2 < mask.Length)
            {
                mask[unit + 2] = block.X2 >= threshold ? scale : 0;
            }

            if (unit + 3 < mask.Length)
            {
                mask[unit + 3] = block.X3 >= threshold ? scale : 0;
            }
        }
    }
}
